"""SMS and MMS by Twilio, and Twilio's WhatsApp senders."""
