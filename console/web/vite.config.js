import { defineConfig } from 'vite'

// One file a page, addresses relative to it: the binary serves them wherever its configuration says. embed.js is what other sites
// load, so its name stays.
export default defineConfig({
  base: './',
  build: {
    outDir: '../dist',
    emptyOutDir: false, // its .gitignore stays; scripts/pages removes the rest
    target: 'es2022',
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { call: 'call.html', desk: 'desk.html', embed: 'src/embed.ts' },
      output: { entryFileNames: (c) => (c.name === 'embed' ? 'embed.js' : 'assets/[name]-[hash].js') },
    },
  },
})
