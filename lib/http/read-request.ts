/** Reads bodies and query strings, and checks them against a schema. */
import * as v from 'valibot'
import { err, ok, type Outcome } from '../core/result.ts'
import { checkNoRepeats, readFields, REQUEST_BODY, shortName } from './body.ts'
import { ownParameters } from './own-parameters.ts'

const QUERY_STRING = 'query string'

/** Checks input against its schema; `whole` names the input if the fault is in no single field. */
function check<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  whole: typeof REQUEST_BODY | typeof QUERY_STRING,
): Outcome<v.InferOutput<S>> {
  const read = v.safeParse(schema, input, { abortEarly: true })
  if (read.success) return ok(read.output)
  const [issue] = read.issues
  const field = shortName(v.getDotPath(issue) ?? whole)
  if (issue.received === 'undefined')
    return err({ reason: 'invalid_request', field, fault: 'is missing' })
  return err({
    reason: 'invalid_request',
    field,
    expected: expectation(issue, whole === REQUEST_BODY ? 'field' : 'parameter'),
  })
}

/** Uses the message of the schema if it has one; valibot's own message would quote the input. */
function expectation(issue: v.BaseIssue<unknown>, kind: 'field' | 'parameter'): string {
  if (issue.expected === 'never') return `this ${kind} to be left out`
  if (!issue.message.startsWith('Invalid ')) return issue.message
  return issue.expected === 'Object' ? 'an object' : 'something else'
}

/** The query of a function that takes no parameters. */
const noParameters = v.strictObject({})

/**
 * Reads and checks a JSON or form body. Query parameters are refused, so that a price in the query
 * is not silently ignored.
 */
export async function readRequest<S extends v.GenericSchema>(
  request: Request,
  schema: S,
): Promise<Outcome<v.InferOutput<S>>> {
  const query = readNoQuery(request)
  if (!query.ok) return query
  const fields = await readFields(request)
  return fields.ok ? check(schema, fields.value, REQUEST_BODY) : fields
}

/** Checks the query string. As with bodies, a strict schema refuses what it does not name. */
export function readQuery<S extends v.GenericSchema>(
  request: Request,
  schema: S,
): Outcome<v.InferOutput<S>> {
  const pairs = checkNoRepeats(ownParameters(request))
  return pairs.ok ? check(schema, Object.fromEntries(pairs.value), QUERY_STRING) : pairs
}

/** Makes a reader of bodies. */
export const bodyOf =
  <S extends v.GenericSchema>(schema: S) =>
  (request: Request): Promise<Outcome<v.InferOutput<S>>> =>
    readRequest(request, schema)

/** Makes a reader of query strings. */
export const queryOf =
  <S extends v.GenericSchema>(schema: S) =>
  (request: Request): Outcome<v.InferOutput<S>> =>
    readQuery(request, schema)

/** Checks that the query is empty. */
export const readNoQuery = (request: Request): Outcome<object> => readQuery(request, noParameters)

/**
 * Reads the parameters that the schema names and ignores all others, which Vercel or a monitor may
 * add.
 */
export function readKnownQuery<S extends v.GenericSchema & { readonly entries: object }>(
  request: Request,
  schema: S,
): Outcome<v.InferOutput<S>> {
  const pairs = checkNoRepeats(
    ownParameters(request).filter(([name]) => Object.hasOwn(schema.entries, name)),
  )
  return pairs.ok ? check(schema, Object.fromEntries(pairs.value), QUERY_STRING) : pairs
}
