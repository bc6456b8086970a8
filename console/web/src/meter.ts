// Shows how loud streams are. One context for all; nothing runs while there is no call.

export class Meters {
  #context?: AudioContext
  #frame = 0

  show(pairs: [MediaStream, HTMLMeterElement][]): void {
    this.stop()
    const context = (this.#context = new AudioContext())
    const watched = pairs.map(([stream, meter]) => {
      const analyser = new AnalyserNode(context, { fftSize: 1024 })
      context.createMediaStreamSource(stream).connect(analyser)
      return { analyser, meter, samples: new Float32Array(analyser.fftSize) }
    })
    const draw = () => {
      for (const { analyser, meter, samples } of watched) {
        analyser.getFloatTimeDomainData(samples)
        const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length
        const decibels = 10 * Math.log10(power + 1e-9)
        meter.value = Math.max(0, 1 + decibels / 60) // -60 dB to full scale
      }
      this.#frame = requestAnimationFrame(draw)
    }
    draw()
  }

  stop(): void {
    cancelAnimationFrame(this.#frame)
    void this.#context?.close()
    this.#context = undefined
  }
}
