"""Setting things up: checked, then saved, in one way for the command line, the console and the API.

A function here takes the `Means`, and answers with what was saved or raises `InvalidInput`, by
field. What a company has set up is changed by one at a time (`changing`), so what was checked is
still true when it is written. Nothing waits on the network inside a transaction: addresses are
looked up before.
"""
