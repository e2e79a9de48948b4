"""The frozen records that flow between the phases; they import nothing of zenconv above them."""
