"""HubSpot CRM: contacts, companies, deals, owners and their links."""
