"""The API's routes, one file per thing they are about."""
