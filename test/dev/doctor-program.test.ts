/** `npm run doctor` as a whole: its output, its exit codes, and that it never prints a secret. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { diagnose, type Diagnosis } from '../../dev/doctor/diagnose.ts'
import { readEnvironment } from '../../dev/doctor/read-environment.ts'
import { render } from '../../dev/doctor/render.ts'
import { PlainError } from '../../dev/program/plain-error.ts'
import {
  LEAKED_TEXT,
  FAILURE_MODES,
  openLeakyServices,
  type LeakyServices,
} from '../support/leaky-services.ts'
import { secretVariables } from '../../dev/world/mask.ts'
import { secretsIn } from '../support/secrets.ts'
import { NOW, openDoctorSetup, type DoctorSetup } from './doctor-setup.ts'

let setup: DoctorSetup
let services: LeakyServices
let directory: string
beforeAll(async () => {
  setup = await openDoctorSetup()
  services = await openLeakyServices()
  directory = await mkdtemp(join(tmpdir(), 'doctor-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  return setup.recover()
})
afterAll(async () => {
  await rm(directory, { recursive: true })
  await services.close()
  await setup.close()
})

const examine = (env: Readonly<Record<string, string | undefined>>): Promise<Diagnosis> =>
  diagnose({ env, now: NOW, limitMs: 10_000, regions: ['hkg1'], crons: ['0 3 * * *'] })
const short = ({ findings }: Diagnosis) =>
  findings.map(({ check, code, status }) => `${status} ${check}.${code}`)

describe('a whole diagnosis', () => {
  test('of a healthy trial shop reports settings that production would refuse as warnings', async () => {
    const diagnosis = await examine(setup.env)
    expect(diagnosis.judgedAs).toBe('trial')
    expect(short(diagnosis)).toEqual([
      'ok mini-program.in_form',
      'warning mini-program.production_refuses',
      'ok mini-program.secret_right',
      'ok api.v2',
      'skipped api.other_lacks',
      'ok pay.in_form',
      'warning pay.production_refuses',
      'ok pay.key_right',
      'ok refunds.in_form',
      'ok refunds.good_until',
      'ok refunds.taken',
      'warning database.production_refuses',
      'warning database.production_refuses',
      'ok database.current',
      'ok redis.in_form',
      'ok redis.works',
      'ok secrets.in_form',
      'warning address.production_refuses',
      'ok address.healthy',
      'ok address.notify_works',
      'ok push.in_form',
      'ok push.accepted',
      'warning shipping.nothing_shipped',
      'warning order-page.no_page',
      'ok events.in_form',
      'ok events.reachable',
    ])
  })

  test('reports each part separately when the others are unreachable', async () => {
    const { env } = setup.changed({
      WECHAT_API_URL: setup.nowhere,
      WECHAT_PAY_URL: setup.nowhere,
      PUBLIC_URL: setup.nowhere,
      ORDER_WEBHOOK_URL: setup.nowhere,
      NEON_HTTP_ENDPOINT: setup.nowhere,
    })
    const report = short(await examine(env)).filter(
      (line) => !/in_form|production_refuses|good_until/.test(line),
    )
    expect(report).toEqual([
      'unknown mini-program.unreachable',
      'ok api.v2',
      'skipped api.other_lacks',
      'unknown pay.unreachable',
      'skipped refunds.not_shown',
      'wrong database.unreachable',
      'ok redis.works',
      'wrong address.unreachable',
      'unknown push.no_answer',
      'unknown shipping.unknown',
      'unknown order-page.page_unknown',
      'warning events.unreachable',
    ])
  })

  test('of an unnamed environment judges it as production, unless a stand-in is configured', async () => {
    const judged = async (env: Record<string, string>) => (await examine(env)).judgedAs
    expect([
      await judged({}),
      await judged({ VERCEL_ENV: 'production', WECHAT_API_URL: setup.nowhere }),
      await judged({ WECHAT_API_URL: setup.nowhere }),
      await judged({ VERCEL_ENV: 'preview' }),
    ]).toEqual(['production', 'production', 'trial', 'trial'])
  })

  test('sends WeChat no request that moves money or ends a token', async () => {
    const before = setup.shop.wechat.messageLog.length
    await examine(setup.env)
    const requests = setup.shop.wechat.messageLog.slice(before)
    expect(new Set(requests.map(({ url }) => url.replace(/^.*\/wechat|\?.*/g, '')))).toEqual(
      new Set([
        '/cgi-bin/stable_token',
        '/pay/orderquery',
        '/secapi/pay/refund',
        '/wxa/sec/order/get_order_detail_path',
        '/wxa/sec/order/is_trade_managed',
      ]),
    )
    expect(requests.filter(({ request }) => request.includes('"force_refresh":true'))).toEqual([])
    const refunds = requests.filter(({ url }) => url.endsWith('/secapi/pay/refund'))
    const [, asked = 'none'] =
      /<out_trade_no><!\[CDATA\[(doctor\w{26})\]\]>/.exec(refunds[0]?.request ?? '') ?? []
    expect(
      requests.filter(
        ({ url, response }) =>
          url.endsWith('/orderquery') && response?.includes('ORDERNOTEXIST') === true,
      ),
    ).not.toEqual([])
    expect(
      requests.some(({ url, request }) => url.endsWith('/orderquery') && request.includes(asked)),
    ).toBe(true)
    expect([setup.shop.wechat.orders(), setup.shop.wechat.refunds()]).toEqual([[], []])
  })

  test('leaves no data in Redis or the ledger', async () => {
    await examine(setup.env)
    expect(await setup.shop.redis('KEYS', 'wxpay:doctor:*')).toEqual([])
    expect(await setup.shop.sql('select count(*)::int as n from orders')).toEqual([{ n: 0 }])
  })
})

describe('it prints no secret', () => {
  const everything = (diagnosis: Diagnosis) =>
    `${render(diagnosis, { from: ['.env'], odd: [] }, { columns: 400, colour: false })}${JSON.stringify(diagnosis)}`
  const registerSecrets = (env: Readonly<Record<string, string | undefined>>) => {
    for (const name of secretVariables) vi.stubEnv(name, env[name])
  }
  const shown = (diagnosis: Diagnosis) =>
    secretsIn(everything(diagnosis)).filter((name) => name !== 'session_key')

  test('when all is well', async () => {
    registerSecrets(setup.env)
    expect(shown(await examine(setup.env))).toEqual([])
  })

  test.each(FAILURE_MODES)('when every service repeats its request, and %s', async (mode) => {
    services.mode = mode
    services.requests.length = 0
    const { env } = setup.changed({
      WECHAT_API_URL: `${services.url}/wechat`,
      WECHAT_PAY_URL: `${services.url}/wechat`,
      NEON_HTTP_ENDPOINT: `${services.url}/neon`,
      UPSTASH_REDIS_REST_URL: `${services.url}/redis`,
      ORDER_WEBHOOK_URL: `${services.url}/hook`,
      PUBLIC_URL: services.url,
    })
    registerSecrets(env)
    const diagnosis = await examine(env)
    expect(shown(diagnosis)).toEqual([])
    expect(everything(diagnosis)).not.toContain(LEAKED_TEXT)
    // The services did receive the secrets.
    expect(services.requests.join('\n')).toContain(env['WECHAT_APP_SECRET'])
    expect(services.requests.join('\n')).toContain(env['UPSTASH_REDIS_REST_TOKEN'])
  })

  test('when every variable is wrong and contains a secret', async () => {
    const WRONG = 'wrong-but-secret'
    const env = Object.fromEntries(
      Object.keys(setup.env).map((name) => [name, `"${WRONG}-in-${name}" `]),
    )
    expect(everything(await examine(env))).not.toContain(WRONG)
    const nearlyRight = Object.fromEntries(
      Object.keys(env).map((name) => [name, `https://shop:${WRONG}@shop.example/?${WRONG}`]),
    )
    expect(everything(await examine(nearlyRight))).not.toContain(WRONG)
  })
})

const ask = async (...options: readonly string[]) => {
  const program = resolve(import.meta.dirname, '../../dev/doctor.ts')
  const child = spawn(process.execPath, ['--', program, ...options], {
    cwd: directory,
    env: { SystemRoot: process.env['SystemRoot'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((done, fail) =>
    child.once('error', fail).once('close', done),
  )
  const [code, out, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, out, errors }
}

describe('the program', () => {
  const write = (name: string, env: Readonly<Record<string, string | undefined>>) =>
    writeFile(
      join(directory, name),
      Object.entries(env)
        .map(([variable, value]) => `${variable}="${value ?? ''}"`)
        .join('\n'),
    )

  test('exits with 0 when nothing is wrong, and names the next step', async () => {
    await write('trial.env', setup.env)
    const { code, out, errors } = await ask('--env-file', 'trial.env')
    expect([code, errors]).toEqual([0, ''])
    expect(out).toContain('Read: trial.env.\n')
    expect(out).toContain('  ✓ WeChat Pay accepts WECHAT_PAY_KEY')
    expect(out).toContain(
      'Nothing is wrong (7 warnings). Next: the same for what production has: npx vercel env pull',
    )
    // The output is not a terminal, so it has no colour.
    expect(out).not.toContain('\u001B')
  })

  test('exits with 1 when something is wrong, and --json prints one document', async () => {
    await write('wrong.env', { ...setup.env, WECHAT_PAY_KEY: 'ApiV2KeyOfTheClinic0000000000002' })
    const { code, out } = await ask('--json', '--env-file', 'wrong.env')
    expect(code).toBe(1)
    const report: unknown = JSON.parse(out)
    expect(report).toMatchObject({ ok: false, read: ['wrong.env'], judgedAs: 'trial' })
    expect(report).toMatchObject({
      findings: expect.arrayContaining([
        {
          check: 'pay',
          code: 'key_wrong',
          status: 'wrong',
          what: 'WeChat Pay does not accept the signature (SIGNERROR)',
          why: 'no order can be paid, and every payment notification is refused',
          where: expect.stringContaining('APIv2密钥'),
        },
      ]),
    })
  })

  test('lists the values to find, and where, when nothing is configured', async () => {
    const { code, out } = await ask()
    expect(code).toBe(1)
    expect(out).toContain('Read: the environment of this process. Nothing is configured there yet.')
    expect(out).toContain(
      '  [ ] WECHAT_APPID\n      the AppID of the Mini Program: wx and 16 characters\n      mp.weixin.qq.com → 开发管理',
    )
    expect(out).toContain('npm run demo')
    expect(out).not.toContain('✗')
  })

  test('names variables that are not read, and suggests the right names', async () => {
    const names = [
      'WECHAT_APP_ID',
      'wechat_mchid',
      'WX_APP_SECRET',
      'SESION_SECRET',
      'POSTGRES_URL',
      'REDIS_URL',
      'KV_REST_API_TOKEN',
      'SHELL_NAME',
    ]
    await write('near.env', Object.fromEntries(names.map((name) => [name, 'hidden'])))
    const { out } = await ask('--env-file', 'near.env')
    expect(out.split('\n').filter((line) => line.includes('is not read'))).toEqual([
      '! POSTGRES_URL is not read: did you mean DATABASE_URL?',
      '! REDIS_URL is not read: did you mean UPSTASH_REDIS_REST_URL?',
      '! SESION_SECRET is not read: did you mean SESSION_SECRET?',
      '! WECHAT_APP_ID is not read: did you mean WECHAT_APPID?',
      '! WX_APP_SECRET is not read: did you mean WECHAT_APP_SECRET?',
      '! wechat_mchid is not read: did you mean WECHAT_MCH_ID?',
    ])
    expect(out).not.toContain('hidden')
  })

  test('does not suggest a name that is already set', async () => {
    await write('both.env', {
      ...setup.env,
      POSTGRES_URL: 'also set by Vercel',
      KV_URL: 'also set by Vercel',
      WECHAT_APP_ID: 'wx1',
    })
    expect((await ask('--env-file', 'both.env')).out).not.toContain('is not read')
  })

  test.each([
    ['.env.local', 'Fill in .env.local (.env.example shows the form), and run'],
    ['.env', 'Fill in .env (.env.example shows the form), and run'],
  ])('does not advise overwriting an existing %s', async (name, advice) => {
    await writeFile(join(directory, name), 'WECHAT_APP_ID=wx0123456789abcdef\n')
    const { out } = await ask()
    await rm(join(directory, name))
    expect(out.replaceAll(/\s+/g, ' ')).toContain(
      `These are the values to find. ${advice} npm run doctor again`,
    )
    expect(out).toContain('! WECHAT_APP_ID is not read: did you mean WECHAT_APPID?')
    expect(out).not.toContain('.env.example to .env.local')
  })

  test('prints its usage for --help, and exits with 0', async () => {
    const { code, out, errors } = await ask('--help')
    expect([code, errors]).toEqual([0, ''])
    expect(out).toMatch(
      /^Usage: npm run doctor \[-- \[--env-file FILE\] \[--json\] \[--register PAGE\]\]\n\nTests the configuration, .* No money moves\.\n/,
    )
  })

  test('says so when the file is not there, and how it is used when it is asked otherwise', async () => {
    const [missing, folder, misused] = [
      await ask('--env-file', 'nothing.env'),
      await ask('--env-file', '.'),
      await ask('--fix'),
    ]
    expect([missing.code, missing.errors]).toEqual([1, 'There is no file nothing.env.\n'])
    expect([folder.code, folder.errors]).toEqual([1, '. is a directory, not a file.\n'])
    expect([misused.code, misused.errors]).toEqual([
      2,
      expect.stringMatching(/^Unknown option '--fix'\nUsage: npm run doctor /),
    ])
  })
})

describe('the environment', () => {
  const file = (name: string, content: string) => writeFile(join(directory, name), content)
  afterEach(async () => {
    await Promise.all(
      ['.env', '.env.local'].map((name) => rm(join(directory, name), { force: true })),
    )
  })

  test('comes from the process, then .env.local, then .env, and the output names the sources', async () => {
    await file('.env', 'A=env\nB=env\nC=env')
    await file('.env.local', 'B=local\nC=local')
    expect(readEnvironment({ C: 'process' }, directory, undefined)).toEqual({
      env: { A: 'env', B: 'local', C: 'process' },
      from: ['.env', '.env.local', 'the environment of this process'],
      odd: [],
    })
  })

  test('comes from one file only if one is named', async () => {
    await file('.env', 'A=env')
    await file('one.env', 'B="1\n2"')
    expect(readEnvironment({ C: 'process' }, directory, 'one.env')).toEqual({
      env: { B: '1\n2' },
      from: ['one.env'],
      odd: [],
    })
    expect(() => readEnvironment({}, directory, 'other.env')).toThrow(PlainError)
  })

  const seen = 'WECHAT_APPID=wx1\nexport WECHAT_MCH_ID=2\n'
  test.each<[string, Buffer, readonly string[]]>([
    ['plain', Buffer.from(seen), []],
    ['with Windows line breaks', Buffer.from(seen.replaceAll('\n', '\r\n')), []],
    [
      'with a byte order mark',
      Buffer.from(`\ufeff${seen}`),
      ['one.env begins with a byte order mark, which hides its first variable from other programs'],
    ],
    [
      'in UTF-16',
      Buffer.from(`\ufeff${seen}`, 'utf16le'),
      ['one.env is in UTF-16, which other programs cannot read'],
    ],
    [
      'in big-endian UTF-16',
      Buffer.from(`\ufeff${seen}`, 'utf16le').swap16(),
      ['one.env is in UTF-16, which other programs cannot read'],
    ],
    [
      'with an invisible character before a name',
      Buffer.from(`\u200b${seen}`),
      ['line 1 of one.env has an invisible character before its name'],
    ],
    [
      'with a non-breaking blank',
      Buffer.from(`\u00a0${seen}`),
      ['line 1 of one.env has an invisible character before its name'],
    ],
    [
      'with a full-width =',
      Buffer.from(seen.replace('=', '＝')),
      ['line 1 of one.env has a full-width character in place of ='],
    ],
    [
      'with a full-width colon',
      Buffer.from(seen.replace('=', '：')),
      ['line 1 of one.env has a full-width character in place of ='],
    ],
  ])('is the same in a file %s, and the output names the oddity', async (_form, bytes, odd) => {
    await writeFile(join(directory, 'one.env'), bytes)
    const { env, odd: report } = readEnvironment({}, directory, 'one.env')
    expect({ ...env }).toEqual({ WECHAT_APPID: 'wx1', WECHAT_MCH_ID: '2' })
    expect(report.map(({ what }) => what)).toEqual(odd)
  })

  test('has its oddities reported first', async () => {
    await file('odd.env', '\ufeffWECHAT_APPID=wx0123456789abcdef')
    const { out } = await ask('--env-file', 'odd.env')
    expect(out).toContain(
      'Read: odd.env.\n! odd.env begins with a byte order mark, which hides its first variable from other programs: save it',
    )
    const { out: json } = await ask('--json', '--env-file', 'odd.env')
    expect(JSON.parse(json)).toMatchObject({
      odd: [
        {
          what: expect.stringContaining('byte order mark'),
          where: expect.stringContaining('UTF-8'),
        },
      ],
    })
  })
})

describe('on the screen', () => {
  const diagnosis: Diagnosis = {
    judgedAs: 'production',
    findings: [
      {
        check: 'pay',
        code: 'a',
        status: 'ok',
        what: 'WeChat Pay accepts WECHAT_PAY_KEY',
        why: '',
        where: '',
      },
      {
        check: 'pay',
        code: 'b',
        status: 'wrong',
        what: 'WECHAT_APPID and WECHAT_MCH_ID are not bound to each other',
        why: 'no order can be placed',
        where: 'pay.weixin.qq.com → 产品中心 → AppID账号管理: bind the appid',
      },
      { check: 'redis', code: 'c', status: 'warning', what: 'slow', why: 'far', where: 'nearer' },
    ],
  }
  const lines = (columns: number, colour = false) =>
    render(diagnosis, { from: ['.env.local'], odd: [] }, { columns, colour }).split('\n')

  test('a wide terminal shows a sentence on one line', () => {
    expect(lines(100)).toEqual([
      'Read: .env.local.',
      'Judged as production.',
      '',
      'WeChat Pay',
      '  ✓ WeChat Pay accepts WECHAT_PAY_KEY',
      '  ✗ WECHAT_APPID and WECHAT_MCH_ID are not bound to each other',
      '    why    no order can be placed',
      '    where  pay.weixin.qq.com → 产品中心 → AppID账号管理: bind the appid',
      '',
      'Redis',
      '  ! slow',
      '    why    far',
      '    where  nearer',
      '',
      '1 wrong (1 warning). Fix the lines marked ✗ from the top, then run npm run doctor again.',
      '',
    ])
  })

  test('a narrow terminal wraps and indents lines, and a Chinese character has two columns', () => {
    expect(lines(44).slice(5, 11)).toEqual([
      '  ✗ WECHAT_APPID and WECHAT_MCH_ID are not',
      '    bound to each other',
      '    why    no order can be placed',
      '    where  pay.weixin.qq.com → 产品中心 →',
      '           AppID账号管理: bind the appid',
      '',
    ])
  })

  test('only a terminal gets colours', () => {
    expect(lines(100, true)[4]).toBe('  \u001B[32m✓\u001B[39m WeChat Pay accepts WECHAT_PAY_KEY')
    expect(lines(100, true).map(stripVTControlCharacters)).toEqual(lines(100))
  })

  test('the last line names the next step', () => {
    const last = (status: 'ok' | 'unknown') =>
      render(
        {
          judgedAs: 'production',
          findings: [{ check: 'pay', code: 'a', status, what: 'a', why: '', where: '' }],
        },
        { from: [], odd: [] },
        {
          columns: 200,
          colour: false,
        },
      )
        .trimEnd()
        .split('\n')
        .slice(6)
        .join(' ')
    expect([last('ok'), last('unknown')]).toEqual([
      'Nothing is wrong. Next: set the catalogue (README), and pay one fen in the Mini Program yourself: no program can try that for you.',
      'Nothing is wrong, but 1 could not be asked: run npm run doctor again, or from another network.',
    ])
  })
})
