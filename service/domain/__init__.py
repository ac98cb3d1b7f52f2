"""The rules of the business: pure functions of frozen values."""
