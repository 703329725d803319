/** Complaints over APIv3 (消费者投诉). Only the functions that need them load this file. */
import { constants, privateDecrypt } from 'node:crypto'
import type { ComplaintAction } from '../../core/complaint.ts'
import type { ComplaintId } from '../../core/ids.ts'
import { err, ok, type Outcome } from '../../core/result.ts'
import type { ActionAnswer, ComplaintGateway } from '../../ports.ts'
import { call, type CallContent, type CallOutcome, type CallSettings } from './call.ts'
import {
  readComplaint,
  readComplaints,
  readHistory,
  readNotifyUrl,
  readSealedPhone,
} from './complaint-answers.ts'

const COMPLAINTS = '/v3/merchant-service/complaints-v2'
const NOTIFY_URL = '/v3/merchant-service/complaint-notifications'

/** A page of fifty complaints with their texts and links. */
const LIST_BYTES = 1024 * 1024
/** WeChat's largest page of a history. */
const HISTORY_LIMIT = 300

const untrusted = err({ reason: 'wechat_untrusted', check: 'content' } as const)

export function createComplaintCalls(settings: CallSettings): ComplaintGateway {
  const { mchId } = settings
  const query = (name: string, target: string, maxBytes?: number) =>
    call(settings, 'complaint', {
      name,
      target,
      ...(maxBytes === undefined ? {} : { maxBytes }),
    })
  const detail = (id: ComplaintId) => query(COMPLAINTS, `${COMPLAINTS}/${id}`)
  return {
    async list(from, to, offset, limit) {
      const days = `begin_date=${from}&end_date=${to}&complainted_mchid=${mchId}`
      const target = `${COMPLAINTS}?limit=${limit}&offset=${offset}&${days}`
      const answer = succeeded(await query(COMPLAINTS, target, LIST_BYTES))
      return readAs(answer, readComplaints)
    },

    async find(id) {
      const answer = await detail(id)
      if (isMissing(answer)) return ok(null)
      const found = readAs(succeeded(answer), readComplaint)
      return found.ok && found.value.complaintId !== id ? untrusted : found
    },

    async findPhone(id) {
      const answer = await detail(id)
      if (isMissing(answer)) return ok(null)
      const sealed = readAs(succeeded(answer), readSealedPhone)
      if (!sealed.ok || sealed.value === '') return sealed.ok ? ok(null) : sealed
      const phone = open(settings, sealed.value)
      return phone === null ? err({ reason: 'wechat_untrusted', check: 'decryption' }) : ok(phone)
    },

    async history(id) {
      const target = `${COMPLAINTS}/${id}/negotiation-historys?limit=${HISTORY_LIMIT}&offset=0`
      const answer = await query(`${COMPLAINTS}/negotiation-historys`, target, LIST_BYTES)
      return isMissing(answer) ? ok(null) : readAs(succeeded(answer), readHistory)
    },

    async act(id, action) {
      const { path, content, isRepeatHarmful } = messageOf(mchId, action)
      const answer = await call(settings, 'complaint_action', {
        name: `${COMPLAINTS}/${path}`,
        target: `${COMPLAINTS}/${id}/${path}`,
        content,
        isRepeatHarmful,
      })
      return toActionAnswer(answer)
    },

    async findNotifyUrl() {
      const answer = await query(NOTIFY_URL, NOTIFY_URL)
      return isMissing(answer) ? ok(null) : readAs(succeeded(answer), readNotifyUrl)
    },

    async setNotifyUrl(url) {
      const send = (how: Pick<CallContent, 'method'>) =>
        call(settings, 'complaint', {
          name: NOTIFY_URL,
          target: NOTIFY_URL,
          content: { url },
          ...how,
        })
      const changed = await send({ method: 'PUT' })
      const set = succeeded(isMissing(changed) ? await send({}) : changed)
      return set.ok ? ok(null) : set
    },

    async deleteNotifyUrl() {
      const answer = await call(settings, 'complaint', {
        name: NOTIFY_URL,
        target: NOTIFY_URL,
        method: 'DELETE',
      })
      if (isMissing(answer)) return ok(null)
      const deleted = succeeded(answer)
      return deleted.ok ? ok(null) : deleted
    },
  }
}

/** WeChat encrypts it with the key of the merchant's certificate: RSA-OAEP with SHA-1. */
function open({ merchant }: CallSettings, sealed: string): string | null {
  const oaep = {
    key: merchant.privateKey,
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: 'sha1',
  }
  try {
    return privateDecrypt(oaep, Buffer.from(sealed, 'base64')).toString('utf8')
  } catch {
    return null
  }
}

const isMissing = (answer: Outcome<CallOutcome>): boolean =>
  answer.ok && answer.value.kind === 'missing'

/** The JSON of a success; any other answer is a failure. */
function succeeded(answer: Outcome<CallOutcome>): Outcome<unknown> {
  if (!answer.ok) return answer
  const { value } = answer
  return value.kind === 'success'
    ? ok(value.json)
    : err({ reason: 'wechat_refused', code: value.code, text: value.text })
}

function readAs<T>(answer: Outcome<unknown>, read: (json: unknown) => T | null): Outcome<T> {
  if (!answer.ok) return answer
  const value = read(answer.value)
  return value === null ? untrusted : ok(value)
}

function toActionAnswer(answer: Outcome<CallOutcome>): Outcome<ActionAnswer> {
  if (!answer.ok)
    return answer.error.reason === 'wechat_refused'
      ? ok({ outcome: 'refused', code: answer.error.code, text: answer.error.text })
      : answer
  if (answer.value.kind === 'success') return ok({ outcome: 'done' })
  if (answer.value.kind === 'missing') return ok({ outcome: 'missing' })
  return ok({ outcome: 'refused', code: answer.value.code, text: answer.value.text })
}

/** WeChat shows a repeated reply twice. It refuses to finish or to decide twice. */
function messageOf(mchId: string, action: ComplaintAction) {
  switch (action.action) {
    case 'reply':
      return {
        path: 'response',
        content: { complainted_mchid: mchId, response_content: action.content },
        isRepeatHarmful: true,
      }
    case 'finish':
      return {
        path: 'complete',
        content: { complainted_mchid: mchId },
        isRepeatHarmful: false,
      }
    case 'refund':
      return {
        path: 'update-refund-progress',
        content:
          action.decision === 'approve'
            ? { action: 'APPROVE', launch_refund_day: action.refundInDays }
            : { action: 'REJECT', reject_reason: action.reason },
        isRepeatHarmful: false,
      }
  }
}
