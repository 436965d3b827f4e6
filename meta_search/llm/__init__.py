"""Everything that has to do with language models: gateway, ledger, budget, embedded models.

Importing this package costs nothing; litellm and llama.cpp are loaded when they are first needed.
"""
