"""How the service and its machines do, and how Burnline itself does."""
