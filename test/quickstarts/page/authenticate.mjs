// Step 1: Create API Key (one-time)
const keyRes = await fetch('https://nuto.thamming.com/api/auth/api-keys', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    name: 'My App',
    permissions: ['documents:read', 'documents:write']
  })
});
const { apiKey, secret } = await keyRes.json();

// Step 2: Get JWT Token
const authRes = await fetch('https://nuto.thamming.com/api/auth/token', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ apiKey, secret })
});
const { token } = await authRes.json();

// Step 3: Use the token
const docs = await fetch('https://nuto.thamming.com/api/documents', {
  headers: { 'Authorization': `Bearer ${token}` }
}).then(r => r.json());
