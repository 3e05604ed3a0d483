"""What is deployed agrees with the code, and runs."""
