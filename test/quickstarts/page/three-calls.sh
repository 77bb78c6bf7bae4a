# Create doc, upload, convert — in 3 calls
curl -X POST .../api/documents \
  -H "Authorization: Bearer <token>" \
  -d '{"title":"Report","type":"Docs","format":"DOCX"}'

curl -X POST .../api/documents/upload \
  -H "Authorization: Bearer <token>" \
  -F "file=@report.docx"

curl -X POST .../api/documents/{id}/convert \
  -d '{"targetFormat":"PDF"}' -o report.pdf
