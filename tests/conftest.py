"""What all tests share: real servers, started once for the session."""

pytest_plugins = ["tests.erp_fixtures", "tests.server_fixtures"]
