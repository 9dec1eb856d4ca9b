"""The ledgers: DynamoDB (default) and SQL through the Django ORM."""
