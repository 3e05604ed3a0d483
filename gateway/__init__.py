"""The gateway: where vendors say by HTTP that something changed."""
