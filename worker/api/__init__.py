"""What the HTTP API is: who may do what, the shapes that go in and out, and their OpenAPI document. No server."""
