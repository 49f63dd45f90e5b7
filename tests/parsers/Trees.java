// What Java makes of archives: of each whose path comes in on a line, every entry by each of its three readers.
//
//     java Trees.java < PATHS
//
//     file PATH
//     zipfile|jarfile|stream NAME(hex of UTF-8) file|directory SIZE SHA256
//     zipfile|jarfile|stream error MESSAGE

import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Enumeration;
import java.util.HexFormat;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

class Trees {
	static final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
	static MessageDigest digest;

	static void put(String reader, ZipEntry entry, InputStream content) throws IOException {
		byte[] name = entry.getName().getBytes(StandardCharsets.UTF_8);
		byte[] piece = new byte[65536];
		long size = 0;
		digest.reset();
		for (int got; (got = content.read(piece)) > 0; size += got)
			digest.update(piece, 0, got);
		out.println(reader + " " + HexFormat.of().formatHex(name) + " "
			+ (entry.isDirectory() ? "directory" : "file") + " " + size + " "
			+ HexFormat.of().formatHex(digest.digest()));
	}

	static void seek(String reader, ZipFile zip) throws IOException {
		for (Enumeration<? extends ZipEntry> entries = zip.entries(); entries.hasMoreElements();) {
			ZipEntry entry = entries.nextElement();
			try (InputStream content = zip.getInputStream(entry)) {
				put(reader, entry, content);
			}
		}
	}

	static void stream(File file) throws IOException {
		try (ZipInputStream zip = new ZipInputStream(new FileInputStream(file))) {
			for (ZipEntry entry; (entry = zip.getNextEntry()) != null;)
				put("stream", entry, zip);
		}
	}

	interface Reader {
		void read() throws IOException;
	}

	static void attempt(String name, Reader reader) {
		try {
			reader.read();
		} catch (IOException | RuntimeException e) {
			out.println(name + " error " + String.valueOf(e.getMessage()).replace('\n', ' '));
		}
	}

	public static void main(String[] arguments) throws Exception {
		digest = MessageDigest.getInstance("SHA-256");
		BufferedReader paths = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		for (String path; (path = paths.readLine()) != null;) {
			File file = new File(path);
			out.println("file " + path);
			attempt("zipfile", () -> { try (ZipFile zip = new ZipFile(file)) { seek("zipfile", zip); } });
			attempt("jarfile", () -> { try (JarFile jar = new JarFile(file, false)) { seek("jarfile", jar); } });
			attempt("stream", () -> stream(file));
		}
		out.flush();
	}
}
