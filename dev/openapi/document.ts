/** The whole reference in OpenAPI 3.1. */
import { IDEMPOTENCY_KEY } from '../../lib/http/idempotency-key.ts'
import { answers } from './answers.ts'
import { toComponents } from './convert.ts'
import { curl } from './curl.ts'
import { examples, type Example } from './examples.ts'
import { checkPushAddress, notify } from './notify.ts'
import { codesOf, operations, type Method, type Operation } from './operations.ts'
import { describeProblems, problemSchema, type DescribedProblem } from './problems.ts'
import { bodies, queries } from './requests.ts'
import { headers, problemResponse, responsesOf } from './responses.ts'
import { securitySchemes } from './callers.ts'
import { webhooks } from './webhooks.ts'

const description = `Payments of a WeChat Mini Program: login, orders, prepay, query, close, refunds, shipping.

Amounts are whole fen, times are RFC 3339, identifiers are strings. A body is JSON or a form, at most 64 KiB.
A field or query parameter that is given twice is refused. A query parameter that is not listed here is refused with
\`invalid_request\`, on every method. Cron, notify and health ignore such parameters. Vercel's own parameters are
ignored everywhere. Errors are \`application/problem+json\`: decide by \`code\`. A method that is not listed answers
405. HEAD answers as GET does, without a body.

The examples run against the local world. Run \`npm start\` and \`export API_URL=http://127.0.0.1:3000\`. Set
\`MERCHANT_API_KEY\` and \`CRON_SECRET\` to the keys that it prints, and \`USER_TOKEN\` to the token of the first
example. Between prepay and query let the simulated user pay: post the answer of prepay as JSON to
\`$API_URL/wechat/control/pay\`.`

const idempotencyKey = {
  name: 'idempotency-key',
  in: 'header',
  required: false,
  description:
    'One for each purchase. A repeated request with the same key returns the same order. Other content under the same key is refused',
  schema: { type: 'string', pattern: IDEMPOTENCY_KEY.source },
}

function parametersOf({ id, query, takesIdempotencyKey }: Operation) {
  const [first]: readonly Example[] = examples[id]
  const ofQuery = (query === undefined ? [] : queries[query]).map((parameter) => {
    const shown = first?.query?.[parameter.name]
    if (shown === undefined) return parameter
    return { ...parameter, example: parameter.schema.type === 'integer' ? Number(shown) : shown }
  })
  return [
    ...ofQuery,
    ...(takesIdempotencyKey === true ? [{ $ref: '#/components/parameters/idempotency-key' }] : []),
  ]
}

function requestBodyOf(id: keyof typeof examples, names: readonly (keyof typeof bodies)[]) {
  const refs = names.map((name) => ({ $ref: `#/components/schemas/${name}` }))
  const schema = refs.length === 1 ? refs[0] : { oneOf: refs }
  const lists = names
    .flatMap((name) => Object.entries(bodies[name].properties ?? {}))
    .filter(([, field]) => typeof field === 'object' && field.type === 'array')
  const encoding = Object.fromEntries(
    lists.map(([name]) => [name, { contentType: 'application/json' }]),
  )
  const shown: readonly Example[] = examples[id]
  return {
    required: true,
    content: {
      'application/json': {
        schema,
        examples: Object.fromEntries(
          shown.map(({ name, summary, body }) => [name, { summary, value: body }]),
        ),
      },
      'application/x-www-form-urlencoded': { schema, ...(lists.length === 0 ? {} : { encoding }) },
    },
  }
}

function toOperation(
  path: string,
  method: Method,
  operation: Operation,
  problems: readonly DescribedProblem[],
) {
  const parameters = parametersOf(operation)
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    security:
      operation.seesMore === undefined
        ? operation.who.map((who) => ({ [who]: [] }))
        : [{}, { [operation.seesMore]: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(operation.bodies === undefined
      ? {}
      : { requestBody: requestBodyOf(operation.id, operation.bodies) }),
    responses: responsesOf(operation, problems),
    'x-codeSamples': examples[operation.id].map((example) => curl(path, method, example)),
  }
}

/** The answer to all other methods, which OpenAPI cannot describe. */
function toPath(methods: Readonly<Record<string, object>>, problems: readonly DescribedProblem[]) {
  const allow = Object.keys(methods)
    .map((method) => method.toUpperCase())
    .toSorted()
    .join(', ')
  const wrong = problems.filter(({ code }) => code === 'method_not_allowed')
  return { ...methods, 'x-other-methods': { 405: problemResponse(wrong, allow) } }
}

/** Operations that create something come first, because the examples need it. */
function toPaths(problems: readonly DescribedProblem[]) {
  const ours = Object.entries(operations).map(([path, methods]) => {
    const all: readonly (readonly [Method, Operation | undefined])[] = [
      ['put', methods.put],
      ['post', methods.post],
      ['get', methods.get],
    ]
    const described = all.flatMap(([method, operation]) =>
      operation === undefined
        ? []
        : [[method, toOperation(path, method, operation, problems)] as const],
    )
    return [path, toPath(Object.fromEntries(described), problems)] as const
  })
  return Object.fromEntries([
    ...ours,
    ['/api/notify', toPath({ post: notify, get: checkPushAddress }, problems)],
  ])
}

/** @param version of this project */
export async function createDocument(version: string) {
  const problems = await describeProblems()
  const codes = Object.values(operations).flatMap((methods) =>
    Object.values(methods).flatMap(codesOf),
  )
  return {
    openapi: '3.1.1',
    info: {
      title: 'WeChat Pay functions',
      version,
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      {
        url: 'https://{domain}',
        description: 'Your deployment',
        variables: { domain: { default: 'pay.example.com' } },
      },
      { url: 'http://127.0.0.1:3000', description: 'The local world of npm start' },
    ],
    paths: toPaths(problems),
    webhooks,
    components: {
      schemas: { ...bodies, ...toComponents({ ...answers, Problem: problemSchema }) },
      responses: Object.fromEntries(
        problems
          .filter(({ code }) => codes.includes(code))
          .map((problem) => [problem.code, problemResponse([problem])]),
      ),
      parameters: { 'idempotency-key': idempotencyKey },
      headers,
      examples: Object.fromEntries(
        problems.map(({ code, example }) => [code, { summary: example.title, value: example }]),
      ),
      securitySchemes,
    },
  }
}
