/** The answers of the reference: successes by operation, problems by code. */
import type { answers } from './answers.ts'
import { examples, type Example } from './examples.ts'
import { codesOf, type Operation } from './operations.ts'
import type { Code, DescribedProblem } from './problems.ts'

const schemaRef = (name: string) => ({ $ref: `#/components/schemas/${name}` })

/** In every answer. */
const always = {
  'x-request-id': {
    required: true,
    description: 'The id of this request in the log',
    schema: { type: 'string', pattern: '^[\\w:.-]{1,128}$' },
  },
  'cache-control': {
    required: true,
    description: 'The response must not be cached',
    schema: { const: 'no-store' },
  },
}

export const headers = {
  ...always,
  'retry-after': {
    required: true,
    description: 'Seconds to wait before repeating the request',
    schema: { type: 'integer', minimum: 1 },
  },
  'www-authenticate': {
    required: true,
    description: 'The kind of token that is required',
    schema: { const: 'Bearer' },
  },
  allow: {
    required: true,
    description: 'The methods of this function',
    schema: { type: 'string' },
  },
}
type HeaderName = keyof typeof headers

const isHeader = (name: string): name is HeaderName => name in headers
const headerRef = (name: HeaderName) => ({ $ref: `#/components/headers/${name}` })
export const alwaysSent = {
  'x-request-id': headerRef('x-request-id'),
  'cache-control': headerRef('cache-control'),
}

/** In addition to the fields of every problem: required if all of these problems have it. */
function headersOf(problems: readonly DescribedProblem[]) {
  const names = [...new Set(problems.flatMap((problem) => problem.headers))].filter(isHeader)
  const own = names.map((name) => {
    const isSure = problems.every((problem) => problem.headers.includes(name))
    return [name, isSure ? headerRef(name) : { ...headers[name], required: false }] as const
  })
  return { ...alwaysSent, ...Object.fromEntries(own) }
}

/** @param allow the methods of a 405. The problem itself has only a sample. */
export function problemResponse(problems: readonly DescribedProblem[], allow?: string) {
  const [{ status } = { status: 0 }] = problems
  const shown = problems.map(
    ({ code }) => [code, { $ref: `#/components/examples/${code}` }] as const,
  )
  return {
    description: problems.map(({ code, example }) => `\`${code}\`: ${example.title}`).join('. '),
    headers: {
      ...headersOf(problems),
      ...(allow === undefined ? {} : { allow: { ...headers.allow, schema: { const: allow } } }),
    },
    content: {
      'application/problem+json': {
        schema: {
          allOf: [schemaRef('Problem')],
          properties: {
            status: { const: status },
            code: { enum: problems.map(({ code }) => code) },
          },
        },
        examples: Object.fromEntries(shown),
      },
    },
  }
}

/** A problem with a single code is a component with the name of the code. */
function toProblemResponses(all: readonly DescribedProblem[], codes: readonly Code[]) {
  const known = all.filter(({ code }) => codes.includes(code))
  return [...Map.groupBy(known, ({ status }) => status)].map(([status, problems]) => {
    const [only, ...others] = problems
    return [
      status,
      only !== undefined && others.length === 0
        ? { $ref: `#/components/responses/${only.code}` }
        : problemResponse(problems),
    ] as const
  })
}

export const answerExamples = (shown: readonly Example[], status: number) =>
  Object.fromEntries(
    shown
      .filter((one) => one.status === status)
      .map(({ name, summary, answer }) => [name, { summary, value: answer }]),
  )

function toAnswer(
  id: keyof typeof examples,
  status: number,
  schema: keyof typeof answers,
  description: string,
) {
  const shown = answerExamples(examples[id], status)
  return {
    description,
    headers: alwaysSent,
    content: {
      'application/json': {
        schema: schemaRef(schema),
        ...(Object.keys(shown).length === 0 ? {} : { examples: shown }),
      },
    },
  }
}

/**
 * @throws Error if a success and a problem have the same status, because a reader could not tell
 * them apart
 */
export function responsesOf(
  operation: Operation,
  all: readonly DescribedProblem[],
): Readonly<Record<string, object>> {
  const good = Object.entries(operation.answers).map(
    ([status, [schema, description]]) =>
      [Number(status), toAnswer(operation.id, Number(status), schema, description)] as const,
  )
  const bad = toProblemResponses(all, codesOf(operation))
  const both = bad.find(([status]) => status in operation.answers)
  if (both !== undefined) throw new Error(`${operation.id} answers ${both[0]} in two ways`)
  const responses: readonly (readonly [number, object])[] = [...good, ...bad]
  return Object.fromEntries(responses)
}
