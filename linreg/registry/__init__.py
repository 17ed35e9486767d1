"""Champion and challenger: which model version is to be used, and the record of why."""
