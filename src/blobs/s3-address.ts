/** Where blobs lie in S3. Credentials are no part of it: the SDK finds them in its usual places. */
export type S3Address = {
  bucket: string
  /** Undefined: Amazon's own, for the region. */
  endpoint: string | undefined
  region: string
  /** '' or with a slash at its end. */
  prefix: string
  /** The bucket is in the path of requests, not in the host name. */
  isPathStyle: boolean
}

const PARAMETERS = new Set(['endpoint', 'region', 'prefix', 'pathStyle'])
/** Source: Amazon S3 User Guide, General purpose bucket naming rules. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
/** Characters that every store and proxy leaves as they are. */
const PREFIX = /^[\w.-]+(\/[\w.-]+)*$/
/** Few stores check it; it is part of every signature. */
const DEFAULT_REGION = 'us-east-1'

/**
 * Reads `s3://bucket?endpoint=https://…&region=…&prefix=…&pathStyle=true|false`. With an `endpoint`
 * the style is that of paths and the region `us-east-1` unless said otherwise; without one it is
 * Amazon's, and `region` is needed.
 *
 * @throws Error `BLOBS_URL: …` with everything that is wrong, without the values of credentials
 */
export function s3Address(url: string): S3Address {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 's3:') throw new Error('BLOBS_URL: must be like s3://bucket?region=…')

  const given = parsed.searchParams
  const endpoint = given.get('endpoint') ?? undefined
  const region = given.get('region') ?? undefined
  const prefix = (given.get('prefix') ?? '').replace(/\/$/, '')
  const pathStyle = given.get('pathStyle') ?? String(endpoint !== undefined)
  const faults = [
    ...hostFaults(parsed),
    ...parameterFaults(given),
    ...(endpoint === undefined ? [] : endpointFaults(endpoint)),
  ]
  if (endpoint === undefined && region === undefined) faults.push('region= is needed without endpoint=')
  if (region !== undefined && !/^[a-z0-9-]+$/.test(region)) faults.push('region= must be like eu-central-1')
  if (prefix !== '' && (!PREFIX.test(prefix) || prefix.split('/').some((part) => /^\.+$/.test(part))))
    faults.push('prefix= must be names of letters, digits and . _ - with slashes between them')
  if (!['true', 'false'].includes(pathStyle)) faults.push('pathStyle= must be true or false')
  if (faults.length > 0) throw new Error(`BLOBS_URL: ${faults.join('; ')}`)

  return {
    bucket: parsed.hostname,
    endpoint: endpoint?.replace(/\/+$/, ''),
    region: region ?? DEFAULT_REGION,
    prefix: prefix === '' ? '' : `${prefix}/`,
    isPathStyle: pathStyle === 'true',
  }
}

function hostFaults({ hostname, port, username, password, pathname, hash }: URL): string[] {
  const faults: string[] = []
  if (username !== '' || password !== '')
    faults.push('credentials do not belong here; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  if (!BUCKET.test(hostname) || port !== '')
    faults.push('the bucket must have 3 to 63 lower-case letters, digits, dots and hyphens')
  if (pathname !== '' && pathname !== '/') faults.push('a folder in the bucket is given by prefix=')
  if (hash !== '') faults.push('must not have a fragment')
  return faults
}

function parameterFaults(given: URLSearchParams): string[] {
  return [...new Set(given.keys())].flatMap((name) => {
    // The name alone: an unknown parameter may hold a secret.
    if (!PARAMETERS.has(name)) return [`knows no ${name}=`]
    return given.getAll(name).length > 1 ? [`${name}= is given twice`] : []
  })
}

function endpointFaults(endpoint: string): string[] {
  const parsed = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol))
    return ['endpoint= must be an http(s) address']
  const hasMore = parsed.username + parsed.password + parsed.search + parsed.hash !== ''
  return hasMore ? ['endpoint= must not carry credentials, a query or a fragment'] : []
}
