/** Reads a body of the control interface: JSON, or a form, which no shell needs quotation marks for. curl labels both as a form. */
import * as v from 'valibot'

/** @returns the body, or what is wrong with it. */
export function readControlBody<const S extends v.GenericSchema>(schema: S, text: string): { readonly body: v.InferOutput<S> } | string {
  const isForm = !/^\s*[{[]/.test(text)
  const fields = isForm ? Object.fromEntries(new URLSearchParams(text)) : parseJson(text)
  const asWritten = v.safeParse(schema, fields)
  if (asWritten.success) return { body: asWritten.output }
  if (isForm) {
    const misfits = asWritten.issues.map((issue) => v.getDotPath(issue))
    const isMisfit = (name: string) => misfits.includes(name) || misfits.includes(null)
    const asMeant = v.safeParse(schema, readNumbers(fields, isMisfit))
    if (asMeant.success) return { body: asMeant.output }
  }
  const [issue] = asWritten.issues
  return `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`
}

/** All values of a form are text. A value that the schema refuses as text is read as a number, `true`, `false` or `null`. */
function readNumbers(fields: object | undefined, isMisfit: (name: string) => boolean): object {
  const isMeant = (text: unknown): text is string => typeof text === 'string' && /^(?:-?\d{1,15}|true|false|null)$/.test(text)
  return Object.fromEntries(
    Object.entries(fields ?? {}).map(([name, value]): [string, unknown] => [
      name,
      isMisfit(name) && isMeant(value) ? JSON.parse(value) : value,
    ]),
  )
}

function parseJson(text: string): object | undefined {
  const read = v.safeParse(v.pipe(v.string(), v.parseJson()), text)
  return read.success && typeof read.output === 'object' && read.output !== null && !Array.isArray(read.output) ? read.output : undefined
}
