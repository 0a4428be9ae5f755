"""What comes in over HTTP: webhooks, Slack, the REST API, the console, and the pages behind signed links."""
