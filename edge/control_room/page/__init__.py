"""The browser page of a control room: static files that speak MQTT over websockets, and their writer."""
