import requests

# Step 1: Create API Key (one-time)
key_res = requests.post(
    "https://nuto.thamming.com/api/auth/api-keys",
    json={
        "name": "My App",
        "permissions": ["documents:read", "documents:write"]
    }
)
api_key = key_res.json()["apiKey"]
secret = key_res.json()["secret"]

# Step 2: Get JWT Token
auth_res = requests.post(
    "https://nuto.thamming.com/api/auth/token",
    json={"apiKey": api_key, "secret": secret}
)
token = auth_res.json()["token"]

# Step 3: Use the token
headers = {"Authorization": f"Bearer {token}"}
docs = requests.get(
    "https://nuto.thamming.com/api/documents",
    headers=headers
).json()
