"""The mailbox: SendGrid's Mail Send, everybody's inbox, and the signed Event Webhook."""
