"""WhatsApp: a phone number of the Cloud API."""
