import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/* Java's own copy: Copy FROM TO */
class Copy {
	public static void main(String[] args) throws Exception {
		Files.copy(Path.of(args[0]), Path.of(args[1]), StandardCopyOption.REPLACE_EXISTING);
	}
}
