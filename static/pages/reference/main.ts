/** The API's reference: Swagger UI, out of its own files, told where the description is and how a request proves itself. */

interface Asked {
  method?: string;
  headers: Record<string, string>;
}

declare const SwaggerUIBundle: {
  (options: Record<string, unknown>): unknown;
  presets: { apis: unknown };
};

const place = document.querySelector<HTMLElement>("[data-description]");
if (place) {
  // It brings a main landmark of its own, and the page has one.
  new MutationObserver(() => {
    for (const inner of place.querySelectorAll("main:not([role])")) inner.setAttribute("role", "none");
  }).observe(place, { childList: true, subtree: true });
  SwaggerUIBundle({
    url: place.dataset.description,
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: false,
    validatorUrl: null,
    requestInterceptor: (request: Asked) => {
      if (request.method && !["GET", "HEAD"].includes(request.method.toUpperCase())) {
        request.headers["X-CSRFToken"] = document.body.dataset.csrf ?? "";
      }
      return request;
    },
  });
}
