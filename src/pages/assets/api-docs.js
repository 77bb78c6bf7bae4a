const root = document.getElementById('swagger-ui')
const { api } = root.dataset

const isDark = matchMedia('(prefers-color-scheme: dark)')
const paint = () => document.documentElement.classList.toggle('dark-mode', isDark.matches)
isDark.addEventListener('change', paint)
paint()

fetch(`${api}/openapi.json`)
  .then((answer) => answer.json())
  .then((spec) => {
    // The same service under the name by which this browser reached it: any other one is another site to it.
    spec.servers = [{ url: new URL(api, location.href).href }]
    SwaggerUIBundle({
      spec,
      domNode: root,
      deepLinking: true,
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      // Nothing is asked of other sites.
      validatorUrl: null,
    })
  })
  .catch(() => {
    root.textContent = 'The description of the API cannot be read now: load the page again.'
  })
