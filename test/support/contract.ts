/**
 * Checks every answer of the functions, and every event, against the published reference. Every
 * test that calls a function does so. Errors name fields, never values, which could be secrets.
 */
import { readFileSync } from 'node:fs'
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { readXml } from '../../lib/wechat/xml.ts'

export interface Answered {
  readonly method: string
  /** Without the query string. */
  readonly path: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** A place in the reference, with every `$ref` resolved. */
interface Place {
  readonly pointer: string
  readonly value: unknown
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Reads the reference on first use. Each schema is compiled when the first answer needs it. */
function open() {
  const document: unknown = JSON.parse(
    readFileSync(new URL('../../public/openapi.json', import.meta.url), 'utf8'),
  )
  if (!isObject(document)) throw new Error('public/openapi.json is not an object')
  const ajv = new Ajv2020({ strictTypes: false })
  formats.default(ajv)
  // Ajv is strict, because a misspelled keyword would allow everything. So it must know OpenAPI's
  // own keywords.
  ajv.addVocabulary([...Object.keys(document), 'xml'])
  return { document, ajv: ajv.addSchema(document, 'openapi.json', undefined, false) }
}
declare global {
  /**
   * Modules are loaded again for each test file. The compiled schemas are kept for all files of a
   * worker.
   */
  var publishedReference: ReturnType<typeof open> | undefined
}
const reference = () => (globalThis.publishedReference ??= open())

/** Returns null if the reference has no such place. */
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

/** Returns the error of a value under a schema; null if the value is valid. */
function schemaErrorOf(schema: Place, value: unknown): string | null {
  const validate = reference().ajv.getSchema(`openapi.json${schema.pointer}`)
  if (validate === undefined) throw new Error(`no schema at ${schema.pointer}`)
  return validate(value) === true ? null : (validate.errors ?? []).map(inWords).join(', ')
}

function inWords({ instancePath, message, params }: ErrorObject): string {
  const field: unknown = params['additionalProperty']
  return `${instancePath} ${message ?? ''}${typeof field === 'string' ? ` (${field})` : ''}`.trim()
}

/** Returns the error of a value under the schema at this place; null if the value is valid. */
export function schemaErrorAt(value: unknown, ...names: readonly string[]): string | null {
  const schema = find(...names)
  return schema === null ? 'no schema is there' : schemaErrorOf(schema, value)
}

/** @throws Error if the reference does not describe this answer. */
export async function checkAnswer({
  method,
  path,
  status,
  headers,
  text,
}: Answered): Promise<void> {
  const refuse = (what: string): never => {
    throw new Error(
      `public/openapi.json does not describe this answer of ${method} ${path} with ${status}: ${what}`,
    )
  }
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase()
  const responses = find('paths', path, verb) === null ? ['x-other-methods'] : [verb, 'responses']
  const response = ['paths', path, ...responses, String(status)]
  if (find(...response) === null) refuse('such a status is not in it')
  for (const error of headerErrors(response, headers)) refuse(error)

  const type = headers.get('content-type')?.split(';', 1)[0] ?? 'nothing'
  const schema = find(...response, 'content', type, 'schema') ?? refuse(`content type ${type}`)
  if (method === 'HEAD') return
  const error = schemaErrorOf(schema, await parse(type, text))
  if (error !== null) refuse(`${error} ${/"code":"\w+"/.exec(text)?.[0] ?? ''}`)
}

function headerErrors(response: readonly string[], headers: Headers): readonly string[] {
  const all = Object.keys(find('components', 'headers')?.value ?? {})
  return all.flatMap((name) => {
    const [sent, described] = [headers.get(name), find(...response, 'headers', name)?.value]
    if (!isObject(described)) return sent === null ? [] : [`header ${name} is not in it`]
    if (sent === null) return described['required'] === true ? [`header ${name} is missing`] : []
    const schema = find(...response, 'headers', name, 'schema')
    if (schema === null) return [`header ${name} has no schema`]
    // A header is text. If it holds a number, the reference says so.
    const error = schemaErrorOf(schema, sent) === null ? null : schemaErrorOf(schema, Number(sent))
    return error === null ? [] : [`header ${name} ${error}`]
  })
}

/** @throws Error if the reference does not describe this event. */
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
    throw new Error(`public/openapi.json does not describe this ${type} event: ${what}`)
  }
  const request = find('webhooks', type, 'post') ?? refuse('no such event is in it')
  const parameters =
    isObject(request.value) && Array.isArray(request.value['parameters'])
      ? request.value['parameters']
      : []
  for (const [index, parameter] of parameters.entries()) {
    const name = isObject(parameter) ? String(parameter['name']) : ''
    const schema = find('webhooks', type, 'post', 'parameters', String(index), 'schema')
    if (schema === null || schemaErrorOf(schema, headers[name]) !== null) refuse(`header ${name}`)
  }
  const schema =
    find('webhooks', type, 'post', 'requestBody', 'content', 'application/json', 'schema') ??
    refuse('no schema')
  const error = schemaErrorOf(schema, event)
  if (error !== null) refuse(error)
}

async function parse(type: string, text: string): Promise<unknown> {
  if (type === 'text/plain') return text
  return type === 'text/xml' ? await parseXml(text) : parseJson(text)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function parseXml(text: string): Promise<unknown> {
  const fields = await readXml(Buffer.from(text))
  return fields.ok ? Object.fromEntries(fields.value) : undefined
}
