"""The demo: one page with the customer's chat, the platform, and the wire between them. Only `relevo demo`
puts it together."""
