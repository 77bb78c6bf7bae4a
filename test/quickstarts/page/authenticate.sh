# Step 1: Create API Key (one-time setup)
curl -X POST https://nuto.thamming.com/api/auth/api-keys \
  -H "Content-Type: application/json" \
  -d '{
    "name": "My App",
    "permissions": ["documents:read", "documents:write", "collaboration:join"]
  }'
# Response: { "apiKey": "nuto_ak_xxx", "secret": "nuto_sk_xxx" }
# *** Save the secret — it won't be shown again ***

# Step 2: Generate JWT Token
curl -X POST https://nuto.thamming.com/api/auth/token \
  -H "Content-Type: application/json" \
  -d '{
    "apiKey": "nuto_ak_xxx",
    "secret": "nuto_sk_xxx"
  }'
# Response: { "token": "eyJhbG...", "expiresAt": "2026-01-15T11:30:00Z" }

# Step 3: Use the token
curl https://nuto.thamming.com/api/documents \
  -H "Authorization: Bearer eyJhbG..."
