"""What a patient may ask of the hospital about their data, and what the hospital must be able to prove."""
