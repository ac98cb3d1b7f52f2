"""The business of the utility: accounts, readings, bills, payments, behind one HTTP API."""
