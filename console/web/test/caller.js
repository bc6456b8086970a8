// Calls from the call page in a real browser, and tells as JSON what the page showed. What it heard goes into a WAV file.
//
//   node caller.js '{"page": URL, "microphone": WAV, "heard": WAV, "pictures": FOLDER, "steps": [...]}'
//
// Steps: {"click": ID}, {"key": KEY}, {"tab": ID}, {"shows": TEXT}, {"fill": [SELECTOR, TEXT]},
// {"sees": [SELECTOR, TEXT]}, {"read": SELECTOR}, {"state": TEXT}, {"wait": SECONDS}, {"picture": NAME}.
import { writeFileSync } from 'node:fs'
import { chromium } from 'playwright-core'

const job = JSON.parse(process.argv[2])
const limit = 60_000

const browser = await chromium.launch({
  executablePath: job.browser,
  args: [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${job.microphone}%noloop`,
    '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection',
    '--no-sandbox', // the tests' user may be root
  ],
})
const result = { shown: [], states: [], errors: [] }
try {
  const page = await browser.newPage({ colorScheme: job.dark ? 'dark' : 'light', viewport: { width: 420, height: 760 } })
  page.on('pageerror', (e) => result.errors.push(String(e)))
  page.on('console', (m) => m.type() === 'error' && result.errors.push(m.text()))
  await page.goto(job.page)
  await page.evaluate(listen)
  for (const step of job.steps) await perform(page, step)
  if (job.page.includes('/call/')) result.shown = await page.$$eval('#captions li', (all) => all.map((e) => e.className + ': ' + e.lastChild.textContent.trim()))
  result.states = await page.evaluate(() => window.states)
  writeWAV(job.heard, await page.evaluate(() => window.taken()))
} catch (e) {
  result.errors.push(String(e))
} finally {
  await browser.close()
}
console.log(JSON.stringify(result))

async function perform(page, step) {
  if (step.click) await page.click('#' + step.click)
  if (step.key) await page.keyboard.press(step.key)
  if (step.shows) await page.locator('#captions', { hasText: new RegExp(step.shows, 'i') }).waitFor({ timeout: limit })
  if (step.state) await page.locator('#state', { hasText: step.state }).waitFor({ timeout: limit })
  if (step.picture) await page.screenshot({ path: `${job.pictures}/${step.picture}.png` })
  if (step.fill) await page.fill(step.fill[0], step.fill[1])
  if (step.sees) await page.locator(step.sees[0], { hasText: step.sees[1] }).waitFor({ timeout: limit })
  if (step.read) result.shown.push(...(await page.locator(step.read).innerText()).split('\n').map((l) => 'card: ' + l))
  if (step.wait) await page.waitForTimeout(step.wait * 1000)
  if (step.tab) {
    // by keyboard alone: from one to the next until it has the focus
    for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement?.id)) !== step.tab; i++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
  }
}

// In the page: takes down its states, and what its loudspeaker gets.
function listen() {
  window.states = []
  const state = document.getElementById('state')
  new MutationObserver(() => window.states.push(state.textContent)).observe(state, { childList: true })
  const chunks = []
  const sound = document.getElementById('sound')
  sound.addEventListener('loadedmetadata', async () => {
    const frames = new MediaStreamTrackProcessor({ track: sound.srcObject.getAudioTracks()[0] }).readable.getReader()
    for (;;) {
      const { done, value } = await frames.read()
      if (done) return
      const samples = new Float32Array(value.numberOfFrames)
      value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' })
      window.rate = value.sampleRate
      chunks.push(samples)
      value.close()
    }
  })
  window.taken = () => {
    let text = ''
    for (const chunk of chunks) {
      for (const x of chunk) {
        const v = Math.max(-32768, Math.min(32767, Math.round(x * 32768))) & 0xffff
        text += String.fromCharCode(v & 0xff, v >> 8)
      }
    }
    return { rate: window.rate ?? 48000, pcm: btoa(text) }
  }
}

function writeWAV(path, { rate, pcm }) {
  const data = Buffer.from(pcm, 'base64')
  const head = Buffer.alloc(44)
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + data.length, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE(rate * 2, 28)
  head.writeUInt16LE(2, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36)
  head.writeUInt32LE(data.length, 40)
  writeFileSync(path, Buffer.concat([head, data]))
}
