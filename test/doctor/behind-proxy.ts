import { type ProxyOptions, startProxy } from './proxy.ts'
import { startScene } from './support.ts'

/** The service with a proxy before it. */
export async function behindProxy(
  proxyOptions: ProxyOptions,
  env: (proxyUrl: string, docServer: { url: string }) => Record<string, string>,
) {
  await using opened = new AsyncDisposableStack()
  const proxy = opened.use(await startProxy(proxyOptions))
  const scene = opened.use(await startScene({ env: (docServer) => env(proxy.url, docServer) }))
  proxy.target = scene.app.url
  const resources = opened.move()
  return { scene, proxy, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/** Document Server with a proxy before it. */
export async function docServerBehindProxy(
  proxyOptions: ProxyOptions,
  env: (proxyUrl: string) => Record<string, string>,
) {
  await using opened = new AsyncDisposableStack()
  const proxy = opened.use(await startProxy(proxyOptions))
  const scene = opened.use(
    await startScene({
      env: (docServer) => {
        proxy.target = docServer.url
        return env(proxy.url)
      },
    }),
  )
  const resources = opened.move()
  return { scene, proxy, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}
