import * as v from 'valibot'
import type { Users } from '../ports.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { openid } from './rows.ts'

const loginRow = v.object({ appid: v.string(), openid, last_login_at: v.date() })

const phoneRow = v.object({ appid: v.string(), openid, phone_number: v.string() })

/**
 * Users that have logged in. Only the hash of the last login request is stored, to recognize a
 * repeat.
 */
export const createUsers = (sql: Sql): Users => ({
  async remember(login) {
    await sql.query(
      `insert into users (openid, unionid, nickname, avatar_url, created_at, last_login_at, last_code_hash, appid)
       values ($1, $2, $3, $4, $6::timestamptz, $6::timestamptz, $5, $7)
       on conflict (openid) do update set
         unionid = coalesce(excluded.unionid, users.unionid),
         nickname = coalesce(excluded.nickname, users.nickname),
         avatar_url = coalesce(excluded.avatar_url, users.avatar_url),
         last_login_at = excluded.last_login_at,
         last_code_hash = excluded.last_code_hash,
         appid = excluded.appid`,
      [
        login.openid,
        login.unionid,
        login.nickname,
        login.avatarUrl,
        login.requestHash,
        login.at,
        login.appid,
      ],
      REPEATABLE,
    )
  },

  async keepPhoneNumber({ appid, openid: id }, { phoneNumber, codeHash, at }) {
    await sql.query(
      `update users set phone_number = $3, phone_code_hash = $4, phone_at = $5::timestamptz
       where openid = $1 and appid = $2`,
      [id, appid, phoneNumber, codeHash, at],
      REPEATABLE,
    )
  },

  async findPhoneNumber({ appid, openid: id }, { codeHash, since }) {
    const [row] = await sql.query(
      `select appid, openid, phone_number from users
       where openid = $1 and appid = $2 and phone_code_hash = $3 and phone_at >= $4::timestamptz`,
      [id, appid, codeHash, since],
      REPEATABLE,
    )
    return row === undefined ? null : v.parse(phoneRow, row).phone_number
  },

  async findPhoneNumbers(users) {
    const rows = await sql.query(
      `select appid, openid, phone_number from users
       where openid = any($1::text[]) and phone_number is not null`,
      [[...new Set(users.map((user) => user.openid))]],
      REPEATABLE,
    )
    return rows.map((row) => {
      const { phone_number: phoneNumber, ...user } = v.parse(phoneRow, row)
      return { ...user, phoneNumber }
    })
  },

  async findLogin(requestHash, since) {
    const [row] = await sql.query(
      'select appid, openid, last_login_at from users where last_code_hash = $1 and last_login_at >= $2::timestamptz order by last_login_at desc limit 1',
      [requestHash, since],
      REPEATABLE,
    )
    if (row === undefined) return null
    const { last_login_at: at, ...user } = v.parse(loginRow, row)
    return { ...user, at }
  },
})
