import { Meters } from './meter'
import { Phone, Refused, type Admission, type Shown, type State } from './phone'
import { say, translate, type Text } from './text'

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
const [callButton, muteButton, padButton, personButton] = ['call', 'mute', 'pad', 'person'].map((id) => byId<HTMLButtonElement>(id)) as [
  HTMLButtonElement,
  HTMLButtonElement,
  HTMLButtonElement,
  HTMLButtonElement,
]
const state = byId('state')
const captions = byId('captions')
const keypad = byId('keypad')
const meters = new Meters()

let phone: Phone | undefined
let talking = false
let muted = false
let wanted = false // a person, before the call was connected

const personKey = '0'

translate(document)
tell('ready')
for (const key of '123456789*0#') {
  const b = document.createElement('button')
  b.type = 'button'
  b.textContent = key
  b.addEventListener('click', () => press(key))
  keypad.append(b)
}

// A web site that knows its visitor has the page opened with a token of its own: in the fragment, which is sent to nobody.
async function admit(): Promise<Admission> {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given) return { token: given, servers: [] }
  const res = await fetch('token', { method: 'POST' })
  if (!res.ok) throw new Refused('refused')
  return (await res.json()) as Admission
}

function tell(t: Text): void {
  state.textContent = say(t)
}

async function call(): Promise<void> {
  captions.replaceChildren()
  const p = (phone = new Phone('legs', admit, { state: moved, shown, sound }))
  callButton.textContent = say('hangUp')
  callButton.classList.replace('go', 'stop')
  try {
    await p.call()
  } catch (e) {
    tell(e instanceof Refused ? e.why : 'failed')
  }
}

function moved(s: State): void {
  document.body.dataset['state'] = s
  tell(s)
  talking = s === 'talking' || s === 'again'
  muteButton.disabled = padButton.disabled = !talking
  if (s === 'talking' && wanted) {
    wanted = false
    askForPerson()
  }
  if (s === 'ended') {
    phone = undefined
    meters.stop()
    mute(false)
    openPad(false)
    wanted = false
    callButton.textContent = say('call')
    callButton.classList.replace('stop', 'go')
    for (const m of document.querySelectorAll('meter')) m.value = 0
  }
}

function shown(e: Shown): void {
  if (e.type === 'joined') {
    document.body.dataset['joined'] = 'yes'
    tell('joined')
    return
  }
  const line = document.createElement('li')
  const who = e.who === 'caller' ? 'caller' : e.who === 'bot' ? 'bot' : 'seat'
  line.className = who
  const name = document.createElement('b')
  name.textContent = say(who)
  line.append(name, ' ', e.text ?? '')
  captions.append(line)
  captions.scrollTop = captions.scrollHeight
}

function sound(mine: MediaStream, theirs: MediaStream): void {
  byId<HTMLAudioElement>('sound').srcObject = theirs
  meters.show([
    [mine, byId<HTMLMeterElement>('mine')],
    [theirs, byId<HTMLMeterElement>('theirs')],
  ])
}

function mute(on: boolean): void {
  muted = on
  phone?.mute(on)
  muteButton.setAttribute('aria-pressed', String(on))
  if (talking) tell(on ? 'muted' : 'talking')
}

function openPad(open: boolean): void {
  keypad.hidden = !open
  padButton.setAttribute('aria-expanded', String(open))
  captions.scrollTop = captions.scrollHeight
}

function press(key: string): void {
  if (talking) void phone?.press(key)
}

function askForPerson(): void {
  press(personKey)
  tell('waiting')
}

callButton.addEventListener('click', () => (phone ? phone.hangUp() : void call()))
muteButton.addEventListener('click', () => mute(!muted))
padButton.addEventListener('click', () => openPad(Boolean(keypad.hidden)))
personButton.addEventListener('click', () => {
  if (talking) return askForPerson()
  wanted = true
  if (!phone) void call()
})
addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.altKey || e.metaKey || e.repeat || !talking) return
  if (/^[0-9*#]$/.test(e.key)) press(e.key)
  else if (e.key === 'm') mute(!muted)
  else if (e.key === 'k') openPad(Boolean(keypad.hidden))
  else return
  e.preventDefault()
})
addEventListener('pagehide', () => phone?.hangUp())
