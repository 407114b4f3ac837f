"""The console: pages and JSON over cases, evidence and screens. Parses, authorises, calls, renders."""
