/**
 * Pictures that the server draws when they are asked for (`data-drawn`): when it is busy it says so (503) and the picture
 * is asked for again, later each time. After the last time its place says what it would have shown.
 */
const TRIES = 4;
const FIRST_WAIT = 800;

function again(image: HTMLImageElement): void {
  const tries = Number(image.dataset["tries"] ?? 0) + 1;
  image.dataset["tries"] = String(tries);
  if (tries > TRIES) {
    image.dataset["failed"] = "";
    return;
  }
  const address = image.src;
  window.setTimeout(
    () => {
      if (image.isConnected) image.src = address;
    },
    FIRST_WAIT * 2 ** (tries - 1) * (0.75 + Math.random() / 2),
  );
}

// Errors of pictures do not bubble: they are heard on their way down. Those from before this script came are looked for.
document.addEventListener(
  "error",
  (event) => {
    if (event.target instanceof HTMLImageElement && event.target.matches("[data-drawn]")) again(event.target);
  },
  true,
);
document.querySelectorAll<HTMLImageElement>("img[data-drawn]").forEach((image) => {
  if (image.complete && image.naturalWidth === 0 && image.loading !== "lazy") again(image);
});
