"""What Messenger and Instagram share: Meta's Messenger Platform."""
