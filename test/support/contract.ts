/**
 * Holds what the functions answer, and what the webhook is sent, against the published reference.
 * Every test that calls a function checks it along the way. Complaints name fields, never values:
 * those could be secrets.
 */
import { readFileSync } from 'node:fs'
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { readXml } from '../../lib/wechat/v2/xml.ts'

export interface Answered {
  readonly method: string
  /** Without what follows a question mark. */
  readonly path: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** A place in the reference, past every `$ref`. */
interface Place {
  readonly pointer: string
  readonly value: unknown
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Read when first needed; each schema is compiled when the first answer needs it. */
function open() {
  const document: unknown = JSON.parse(
    readFileSync(new URL('../../public/openapi.json', import.meta.url), 'utf8'),
  )
  if (!isObject(document)) throw new Error('public/openapi.json is no reference')
  const ajv = new Ajv2020({ strictTypes: false })
  formats.default(ajv)
  // Strict: a keyword that is misspelt would allow everything. These are OpenAPI's own, around the
  // schemas.
  ajv.addVocabulary([...Object.keys(document), 'xml'])
  return { document, ajv: ajv.addSchema(document, 'openapi.json', undefined, false) }
}
declare global {
  /**
   * Modules are loaded anew for each test file; what was compiled is kept for all files of a
   * worker.
   */
  var publishedReference: ReturnType<typeof open> | undefined
}
const reference = () => (globalThis.publishedReference ??= open())

/** Null where the reference says nothing. */
function find(...names: readonly string[]): Place | null {
  let place: Place = { pointer: '#', value: reference().document }
  for (const name of names) {
    if (!isObject(place.value) || !Object.hasOwn(place.value, name)) return null
    const next = place.value[name]
    const ref = isObject(next) ? next['$ref'] : undefined
    const goal = typeof ref === 'string' ? find(...ref.slice('#/'.length).split('/')) : null
    place = goal ?? {
      pointer: `${place.pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      value: next,
    }
  }
  return place
}

/** What is wrong with a value by the schema at a place; null: nothing. */
function complaintAbout(schema: Place, value: unknown): string | null {
  const validate = reference().ajv.getSchema(`openapi.json${schema.pointer}`)
  if (validate === undefined) throw new Error(`no schema at ${schema.pointer}`)
  return validate(value) === true ? null : (validate.errors ?? []).map(inWords).join(', ')
}

function inWords({ instancePath, message, params }: ErrorObject): string {
  const field: unknown = params['additionalProperty']
  return `${instancePath} ${message ?? ''}${typeof field === 'string' ? ` (${field})` : ''}`.trim()
}

/** What is wrong with a value by the schema that stands there in the reference; null: nothing. */
export function complaintAt(value: unknown, ...names: readonly string[]): string | null {
  const schema = find(...names)
  return schema === null ? 'no schema is there' : complaintAbout(schema, value)
}

/** @throws Error when the reference does not say that a function answers so. */
export function checkAnswer({ method, path, status, headers, text }: Answered): void {
  const refuse = (what: string): never => {
    throw new Error(
      `public/openapi.json does not say that ${method} ${path} answers ${status} so: ${what}`,
    )
  }
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase()
  const responses = find('paths', path, verb) === null ? ['x-other-methods'] : [verb, 'responses']
  const response = ['paths', path, ...responses, String(status)]
  if (find(...response) === null) refuse('such a status is not in it')
  for (const complaint of complaintsAboutHeaders(response, headers)) refuse(complaint)

  const type = headers.get('content-type')?.split(';', 1)[0] ?? 'nothing'
  const schema = find(...response, 'content', type, 'schema') ?? refuse(`content type ${type}`)
  if (method === 'HEAD') return
  const complaint = complaintAbout(schema, type === 'text/xml' ? parseXml(text) : parseJson(text))
  if (complaint !== null) refuse(`${complaint} ${/"code":"\w+"/.exec(text)?.[0] ?? ''}`)
}

function complaintsAboutHeaders(response: readonly string[], headers: Headers): readonly string[] {
  const all = Object.keys(find('components', 'headers')?.value ?? {})
  return all.flatMap((name) => {
    const [sent, said] = [headers.get(name), find(...response, 'headers', name)?.value]
    if (!isObject(said)) return sent === null ? [] : [`header ${name} is not in it`]
    if (sent === null) return said['required'] === true ? [`header ${name} is missing`] : []
    const schema = find(...response, 'headers', name, 'schema')
    if (schema === null) return [`header ${name} has no schema`]
    // A header is text; where it means a number, the reference says number.
    const complaint =
      complaintAbout(schema, sent) === null ? null : complaintAbout(schema, Number(sent))
    return complaint === null ? [] : [`header ${name} ${complaint}`]
  })
}

/** @throws Error when the reference does not say that the webhook is sent such an event. */
export function checkEvent({
  headers,
  body,
}: {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}): void {
  const event = parseJson(body)
  const type = isObject(event) && typeof event['type'] === 'string' ? event['type'] : ''
  const refuse = (what: string): never => {
    throw new Error(`public/openapi.json does not say that the webhook is sent ${type} so: ${what}`)
  }
  const request = find('webhooks', type, 'post') ?? refuse('no such event is in it')
  const parameters =
    isObject(request.value) && Array.isArray(request.value['parameters'])
      ? request.value['parameters']
      : []
  for (const [index, parameter] of parameters.entries()) {
    const name = isObject(parameter) ? String(parameter['name']) : ''
    const schema = find('webhooks', type, 'post', 'parameters', String(index), 'schema')
    if (schema === null || complaintAbout(schema, headers[name]) !== null) refuse(`header ${name}`)
  }
  const schema =
    find('webhooks', type, 'post', 'requestBody', 'content', 'application/json', 'schema') ??
    refuse('no schema')
  const complaint = complaintAbout(schema, event)
  if (complaint !== null) refuse(complaint)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function parseXml(text: string): unknown {
  const fields = readXml(Buffer.from(text))
  return fields.ok ? Object.fromEntries(fields.value) : undefined
}
