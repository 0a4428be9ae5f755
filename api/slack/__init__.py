"""What people do in Slack. Verified, answered within three seconds, and each press acts once."""
