# 1. Get your API token
curl -X POST https://nuto.thamming.com/api/auth/token \
  -H "Content-Type: application/json" \
  -d '{
    "apiKey": "your-api-key",
    "secret": "your-secret"
  }'

# 2. Create a document
curl -X POST https://nuto.thamming.com/api/documents \
  -H "Authorization: Bearer <token>" \
  -H "Content-Type: application/json" \
  -d '{
    "title": "My Report",
    "type": "Docs",
    "format": "DOCX"
  }'
# Response: { "id": "a1b2c3...", "title": "My Report" }
