/**
 * Reads a body of the control interface: JSON, or a form, which needs no quotation marks in a
 * shell. curl labels both as a form.
 */
import * as v from 'valibot'
import { findRepeatedKey } from './repeated-key.ts'

/** @returns the body, or a text that says what is wrong with it */
export function readControlBody<const S extends v.GenericSchema>(
  schema: S,
  text: string,
): { readonly body: v.InferOutput<S> } | string {
  const isForm = !/^\s*[{[]/.test(text)
  const fields = isForm ? readForm(text) : readJson(text)
  if (typeof fields === 'string') return fields
  const asWritten = v.safeParse(schema, fields)
  const read =
    asWritten.success || !isForm
      ? asWritten
      : v.safeParse(schema, readValues(fields, asWritten.issues))
  if (read.success) return { body: read.output }
  const [issue] = read.issues
  return `${v.getDotPath(issue) ?? 'body'}: ${describe(issue)}`
}

/**
 * The schema's own message if it has one. The messages of valibot quote the value and name its
 * type.
 */
function describe({ message, expected, received }: v.BaseIssue<unknown>): string {
  if (!message.startsWith('Invalid ')) return message
  if (expected === 'never') return 'is not a field of this route'
  return received === 'undefined' ? 'is missing' : 'is not a value that this route takes'
}

const repeated = (name: string): string => `${name}: must be given once`

function readForm(text: string): object | string {
  const pairs = new URLSearchParams(text)
  const names = [...pairs.keys()]
  const twice = names.find((name, index) => names.indexOf(name) < index)
  return twice === undefined ? Object.fromEntries(pairs) : repeated(twice)
}

function readJson(text: string): object | string {
  const read = v.safeParse(v.pipe(v.string(), v.parseJson()), text)
  if (!read.success) return 'body: must be well-formed JSON, or a form'
  const twice = findRepeatedKey(text)
  if (twice !== null) return repeated(twice)
  const { output } = read
  return typeof output === 'object' && output !== null && !Array.isArray(output)
    ? output
    : 'body: must be a JSON object, or a form'
}

/**
 * A form holds only text. If the schema refuses a value as text, and the value is a number, `true`,
 * `false` or `null`, it is read as JSON.
 */
function readValues(fields: object, issues: readonly v.BaseIssue<unknown>[]): object {
  const misfits = issues.map((issue) => v.getDotPath(issue))
  const isMisfit = (name: string) => misfits.includes(name) || misfits.includes(null)
  const isMeant = (text: unknown): text is string =>
    typeof text === 'string' && /^(?:-?(?:0|[1-9]\d{0,14})|true|false|null)$/.test(text)
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]): [string, unknown] => [
      name,
      isMisfit(name) && isMeant(value) ? JSON.parse(value) : value,
    ]),
  )
}
