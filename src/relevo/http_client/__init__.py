"""All traffic out: which addresses may be called, and one request at a time."""
