"""Champion and challenger: which model is promoted, and the record of why."""
