"""The FHIR R4 facade (`/fhir/`): what a reader may see here, as resources. One module for each resource; ``registry`` lists them."""
