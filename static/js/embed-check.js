// Goes on to the result without a click.

location.replace(document.getElementById("go-on").href);
