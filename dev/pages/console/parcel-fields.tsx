import { useTexts } from '../base/language.tsx'

const texts = {
  parcel: ['Parcel {number}', '包裹 {number}'],
  remove: ['Remove', '移除'],
  what: ['Description of the goods', '发货内容'],
  tracking: ['Tracking number', '快递单号'],
  company: ['WeChat’s code for the carrier, such as SF', '快递公司编码（微信的编码，如 SF）'],
  contact: [
    'Phone number of the receiver, masked, such as 189****1234 (SF requires it)',
    '收件人手机号（打码，如 189****1234；顺丰必填）',
  ],
} as const

/** The fields of a parcel as they are typed. */
export interface TypedParcel {
  /** Identifies the parcel in the form. */
  readonly id: number
  readonly itemDesc: string
  readonly trackingNo: string
  readonly expressCompany: string
  readonly receiverContact: string
}

/** Numbers are often copied with blanks, which the functions refuse. */
const withoutBlanks = (text: string): string => text.replaceAll(/\s/g, '')

/** The parcel as `POST /api/shipping` takes it. Null while a field is missing. */
export function toItem(typed: TypedParcel, isExpress: boolean): object | null {
  const itemDesc = typed.itemDesc.trim()
  if (itemDesc === '') return null
  if (!isExpress) return { itemDesc }
  const trackingNo = withoutBlanks(typed.trackingNo)
  const expressCompany = withoutBlanks(typed.expressCompany)
  if (trackingNo === '' || expressCompany === '') return null
  const receiverContact = typed.receiverContact.trim()
  const contact = receiverContact === '' ? {} : { contact: { receiverContact } }
  return { itemDesc, trackingNo, expressCompany, ...contact }
}

interface Props {
  readonly parcel: TypedParcel
  /** Null if it is the only one. */
  readonly number: number | null
  readonly isExpress: boolean
  readonly onChange: (parcel: TypedParcel) => void
  readonly onRemove: () => void
}

export function ParcelFields({ parcel, number, isExpress, onChange, onRemove }: Props) {
  const say = useTexts(texts)
  const field = (
    label: 'what' | 'tracking' | 'company' | 'contact',
    name: Exclude<keyof TypedParcel, 'id'>,
    maxLength: number,
  ) => (
    <label>
      {say(label)}
      <input
        maxLength={maxLength}
        value={parcel[name]}
        onInput={(event) => onChange({ ...parcel, [name]: event.currentTarget.value })}
      />
    </label>
  )
  return (
    <fieldset class={number === null ? '' : 'parcel'}>
      {number !== null && <legend>{say('parcel', { number })}</legend>}
      {field('what', 'itemDesc', 120)}
      {isExpress && (
        <>
          {field('tracking', 'trackingNo', 128)}
          {field('company', 'expressCompany', 128)}
          {field('contact', 'receiverContact', 32)}
        </>
      )}
      {number !== null && (
        <button type="button" onClick={onRemove}>
          {say('remove')}
        </button>
      )}
    </fieldset>
  )
}
